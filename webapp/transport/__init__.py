"""How mail is protected on its way to other systems: MTA-STS policies and what TLS reports are made of."""
