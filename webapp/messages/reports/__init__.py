"""What machines write back: delivery status notifications, feedback reports, automatic replies.

Sources: RFC 3464 and 6522 (DSN), RFC 6533 (internationalised DSN), RFC 5965 (ARF), RFC 3834 (automatic replies).

Nothing here is proof: anybody can mail a report. Whether it counts is decided by the caller through the signed return
path it came to. Pure functions over hostile octets; they never raise for bad input, they find less.
"""

from webapp.messages.reports.parse import MAX_OCTETS, parse_report
from webapp.messages.reports.types import Action, AutoReply, BounceReport, ComplaintReport, Evidence, Original, Report

__all__ = ["MAX_OCTETS", "Action", "AutoReply", "BounceReport", "ComplaintReport", "Evidence", "Original", "Report", "parse_report"]
