"""One message with the Python client (clients/python)."""

import json
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "clients" / "python"))

from postbridge_client import Postbridge, PostbridgeError

with Postbridge() as client:
    try:
        sent = client.send_email(from_="shop@your-domain.com", to="customer@example.net", subject="Hello", text="It works")
    except PostbridgeError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.write(json.dumps(sent) + "\n")
