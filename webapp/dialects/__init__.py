"""Drop-in doors: clients of other sending services, pointed here by their own base-URL setting. One file a dialect; all end in the same ``accept``."""

from webapp.dialects import mailgun, postmark, resend, sendgrid

#: Base URLs are this and the dialect's name.
ROOT = "/compat"
DIALECTS = {module.DIALECT.name: module.DIALECT for module in (resend, postmark, sendgrid, mailgun)}
