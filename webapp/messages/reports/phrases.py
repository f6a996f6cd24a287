"""What mail systems write for people, as data: patterns over single lines or whole texts."""

from __future__ import annotations

import re


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE)


#: Delivery did not happen. Says nothing of whether it will be tried again.
FAILURE = _any(
    r"(?:could|can|was|were|has|have|did|would) ?not (?:be )?(?:deliver|reach|receive|accept|process|complete|exactly match)",
    r"n(?:o|')t (?:able to )?deliver|unable to deliver|fail(?:ed|ure|s)\b|undeliver|non-?delivery|not delivered|(?:was|been) (?:automatically )?rejected",
    r"permanent (?:fatal )?error|fatal error|has been returned|is returned|returned (?:mail|to sender)|no valid recipients|aborted after",
    r"user unknown|unknown user|no such user|invalid (?:final delivery )?(?:user|recipient|address|mailbox)",
    r"(?:address|user|mailbox).{0,20}not (?:known|found|exist)|not listed in|not recognized|no longer valid",
    r"over (?:disk )?quota|mailbox (?:is )?full|exceed\w* (?:their|his|the|its) quota",
    r"quota (?:violation|exceeded)|doesn'?t have an? .{0,60}account",
    r"non remis|n'a pas pu|nicht zugestellt|unzustellbar|konnte nicht|no se pudo|no ha podido|non è stato possibile|não foi possível|niet (?:worden )?bezorgd",
    r"не может быть доставлен|не доставлен|无法(?:发送|送达|投递)|退信|配信できません|配達できません",
)
#: It will be tried again.
DELAY = _any(
    r"warning: (?:could not send|message)|(?:will|shall) (?:keep|continue) (?:on )?try|will continue to try",
    r"delivery attempts will continue|(?:being|be) retried",
    r"(?:is|has been|was) (?:delayed|postponed|deferred)|delivery delayed|not yet been delivered|still (?:trying|being tried)|warning message only",
    r"do(?:es)? not need to (?:re)?send|retry (?:timeout )?not exceeded|advisory-only|this is (?:only )?a warning|warning only",
    r"verzögert|(?:est|a été) retardé|retraso en la entrega",
)
#: It will not, whatever else the text says.
GIVEN_UP = _any(r"permanent (?:fatal )?(?:error|failure)|given up|giving up|no further (?:delivery )?attempts|failed permanently")
#: From here on the returned message follows.
ORIGINAL = _any(
    r"^[-=|*> ]{2,}.{0,60}(?:original message|copy of (?:the|your)|message header|header of the (?:source|original)|below (?:this|the next) line",
    r"message text follows|(?:returned|unsent) (?:message|mail)|original mail|unsent message|attachment is a copy)",
    r"^ ?-{3,}.{0,40}(?:original message|returned message|message header)",
    r"^ *(?:original message (?:\w+ ){0,4}follows|original message (?:details|headers)|message headers follow)",
    r"^ *(?:here is a copy of|a copy of the original message)",
    r"^ *(?:the (?:first|header|top).{0,60}(?:message|follow)|your message reads|old message:|the original message (?:\w+ ){0,3}follows)",
    r"^>?(?:return-path|received): ?(?:<|from|by)",
    r"^-{2,} ?(?:附件|原(?:始)?(?:信|邮)件)",
)
#: What stands before the address that failed, in its line.
LABEL = _any(
    r"(?:not find a gateway for|recipient|address|user|mailbox|userid|rcpt to|"
    r"error-for|addressed(?: to)?|undeliverable\s+to|deliver(?:ed)? to|attempts|message to)"
    r"\W{0,6}(?:smtp[:=])?$"
)
#: What stands before an address that did not fail.
NOT_IT = _any(
    r"(?:^|[\s*(])(?:from|sender|reply-to|sent by|mail from|by|via|cc|contact|write to|reply to|mailto|message-id|mail-?id|x-[\w-]+)\b\W{0,6}$",
    r"(?:contact|reply to|write to|help|assistance|support|questions)\b.{0,60}$",
)
#: Weak labels: the header of the returned message, quoted by some systems.
QUOTED_HEADER = _any(r"^[\s*>]*(?:to|for)\s*:\s*\W{0,3}$")
#: The address we wrote to, when the failing one came of it by an alias or a forward.
CAME_FROM = _any(r"(?:expanded|generated|forwarded) from:?\W{0,3}$|originally addressed to:?\W{0,3}$|ultimately generated from\W{0,3}$")
#: Announces the addresses in the lines below.
ANNOUNCES = _any(
    r":\s*$|(?:following|these|this|all) .{0,30}(?:address|recipient|user)|addresses follow|failed addresses|pu être délivré|delivre a|delivered to\s*$"
)
