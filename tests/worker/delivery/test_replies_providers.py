"""Replies as providers write them: the class, and above all whom they must not suppress."""

from __future__ import annotations

import pytest

from worker.delivery.replies import classify, parse_enhanced
from worker.delivery.types import Blame, ReplyClass, Stage

C = ReplyClass
BANNER, MAIL, RCPT, DOT = Stage.BANNER, Stage.MAIL, Stage.RCPT, Stage.END_OF_DATA

# (provider, reply, stage, class)
SAID = [
    ("Gmail", "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking", RCPT, C.UNKNOWN_USER),
    ("Gmail", "550-5.2.1 The email account that you tried to reach is inactive.", RCPT, C.INACTIVE),
    ("Gmail", "452-4.2.2 The recipient's inbox is out of storage space.", RCPT, C.MAILBOX_FULL),
    ("Gmail", "552-5.2.2 The recipient's inbox is out of storage space and inactive.", RCPT, C.MAILBOX_FULL),
    ("Gmail", "550-5.7.1 [192.0.2.1 12] Our system has detected that this message is likely unsolicited mail. To reduce spam, blocked.", DOT, C.CONTENT),
    ("Gmail", "421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.", DOT, C.THROTTLE),
    ("Gmail", "421-4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP netblock.", DOT, C.THROTTLE),
    ("Gmail", "421-4.7.0 Try again later, closing connection.", RCPT, C.THROTTLE),
    ("Gmail", "450-4.2.1 The user you are trying to contact is receiving mail too quickly.", RCPT, C.THROTTLE),
    ("Gmail", "550-5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to send email directly to our servers.", RCPT, C.BLOCK),
    ("Gmail", "550-5.7.25 The IP address sending this message does not have a PTR record setup", DOT, C.POLICY_AUTH),
    ("Gmail", "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires SPF or DKIM.", DOT, C.POLICY_AUTH),
    ("Gmail", "550-5.7.27 SPF check for the sending domain did not pass", DOT, C.POLICY_AUTH),
    ("Gmail", "421-4.7.32 Your email has been rate limited because the From: header isn't aligned", DOT, C.POLICY_AUTH),
    ("Gmail", "550-5.7.40 the sending domain does not have a DMARC record", DOT, C.POLICY_AUTH),
    ("Gmail", "552-5.7.0 This message was blocked because its content presents a potential security issue.", DOT, C.CONTENT),
    ("Gmail", "552-5.3.4 Your message exceeded Google's message size limits.", DOT, C.CONTENT),
    ("Gmail", "550-5.4.5 Daily SMTP relay sending limit exceeded", MAIL, C.THROTTLE),
    ("Gmail", "550-5.7.29 This message was rejected because it was sent over an unencrypted connection", MAIL, C.TLS),
    ("Yahoo", "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0]", DOT, C.UNKNOWN_USER),
    ("Yahoo", "554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", DOT, C.INACTIVE),
    ("Yahoo", "552 1 Requested mail action aborted, mailbox not found", DOT, C.UNKNOWN_USER),
    ("Yahoo", "552 1 Requested mail action aborted: exceeded storage allocation", DOT, C.MAILBOX_FULL),
    ("Yahoo", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", BANNER, C.THROTTLE),
    ("Yahoo", "553 5.7.2 [TSS11] All messages from 192.0.2.1 will be permanently deferred", BANNER, C.BLOCK),
    ("Yahoo", "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", BANNER, C.BLOCK),
    ("Yahoo", "554 5.7.9 Message not accepted for policy reasons.", DOT, C.POLICY_AUTH),
    ("Yahoo", "451 Message temporarily deferred - [160]", DOT, C.THROTTLE),
    ("Microsoft", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", RCPT, C.UNKNOWN_USER),
    ("Microsoft", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", RCPT, C.UNKNOWN_USER),
    ("Microsoft", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@contoso.example not found by SMTP address lookup", DOT, C.BAD_DOMAIN),
    ("Microsoft", "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Part of their network is on our block list (S3140).", MAIL, C.BLOCK),
    ("Microsoft", "550 5.7.606 Access denied, banned sending IP [192.0.2.1].", RCPT, C.BLOCK),
    ("Microsoft", "550 5.7.649 Access denied, banned sending IP [192.0.2.1]. AS(1430)", RCPT, C.BLOCK),
    ("Microsoft", "550 5.7.511 Access denied, banned sender[192.0.2.1].", RCPT, C.BLOCK),
    ("Microsoft", "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)", RCPT, C.THROTTLE),
    ("Microsoft", "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", BANNER, C.THROTTLE),
    ("Microsoft", "550 5.7.705 Access denied, tenant has exceeded threshold.", DOT, C.THROTTLE),
    ("Microsoft", "550 5.7.515 Access denied, sending domain shop.example does not meet the required authentication level.", DOT, C.POLICY_AUTH),
    ("Microsoft", "550 5.7.509 Access denied, sending domain does not pass DMARC verification", DOT, C.POLICY_AUTH),
    ("Microsoft", "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy", DOT, C.CONTENT),
    ("Microsoft", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception", DOT, C.MAILBOX_FULL),
    ("Microsoft", "550 5.2.122 The recipient has exceeded their limit for receiving messages per hour.", DOT, C.THROTTLE),
    ("Microsoft", "550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal", DOT, C.CONTENT),
    ("Apple", "550 5.1.1 <x@icloud.com>: user does not exist", RCPT, C.UNKNOWN_USER),
    ("Apple", "552 5.2.2 <x@icloud.com>: user is over quota", RCPT, C.MAILBOX_FULL),
    ("Apple", "554 5.7.1 [CS01] Message rejected due to local policy.", DOT, C.CONTENT),
    ("Proofpoint", "554 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", BANNER, C.BLOCK),
    ("Proofpoint", "550 5.7.1 Blocked - see https://ipcheck.proofpoint.com/?ip=192.0.2.1", MAIL, C.BLOCK),
    ("Proofpoint", "550 5.1.1 User Unknown", RCPT, C.UNKNOWN_USER),
    ("Mimecast", "550 csi.mimecast.org Poor Reputation Sender. - https://community.mimecast.com/docs/DOC-1369#550", RCPT, C.BLOCK),
    ("Mimecast", "550 Rejected by header based Anti-Spoofing policy: x@y.example", DOT, C.POLICY_AUTH),
    ("Mimecast", "554 Email rejected due to security policies (MCSpamSignature.sa.1.2)", DOT, C.CONTENT),
    ("Mimecast", "550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550", RCPT, C.UNKNOWN_USER),
    ("Mimecast", "451 Internal resources are temporarily unavailable", RCPT, C.TEMPORARY),
    ("Barracuda", "554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation; http://bbl.barracudacentral.com", RCPT, C.BLOCK),
    ("Barracuda", "550 No such user (x@y.example)", RCPT, C.UNKNOWN_USER),
    ("GMX", "554-gmx.net (mxgmx001) Nemesis ESMTP Service not available", BANNER, C.BLOCK),
    ("GMX", "554-Bad DNS PTR resource record.", BANNER, C.POLICY_AUTH),
    ("GMX", "550-Requested action not taken: mailbox unavailable", RCPT, C.UNKNOWN_USER),
    ("GMX", "552-Requested mail action aborted: exceeded storage allocation", RCPT, C.MAILBOX_FULL),
    ("GMX", "450 Requested mail action not taken: mailbox unavailable. Mail send limit exceeded.", RCPT, C.THROTTLE),
    ("GMX", "554-Transaction failed 554-Reject due to policy restrictions.", DOT, C.CONTENT),
    ("T-Online", "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help)", BANNER, C.BLOCK),
    ("Orange", "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416", RCPT, C.UNKNOWN_USER),
    ("Orange", "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417", RCPT, C.MAILBOX_FULL),
    ("Orange", "421 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR_108", BANNER, C.THROTTLE),
    ("Comcast", "550 5.1.1 Not our Customer", RCPT, C.UNKNOWN_USER),
    ("Comcast", "554 resimta.comcast.net 192.0.2.1 found on one or more RBLs, see http://postmaster.comcast.net", BANNER, C.BLOCK),
    ("Comcast", "550 5.2.0 x@y.example Comcast block for spam.", RCPT, C.BLOCK),
    ("AOL", "554 RTR:BL : the IP is on a list", BANNER, C.BLOCK),
    ("QQ", "550 Mail content denied. http://service.mail.qq.com/", DOT, C.CONTENT),
    ("QQ", "550 Ip frequency limited [192.0.2.1]. http://service.mail.qq.com/", MAIL, C.THROTTLE),
    ("QQ", "550 Mailbox not found. http://service.mail.qq.com/", RCPT, C.UNKNOWN_USER),
    ("QQ", "550 SPF check failed", DOT, C.POLICY_AUTH),
    ("QQ", "550 Suspected spam ip", BANNER, C.BLOCK),
    ("163", "554 DT:SPM 163 smtp10, please see http://mail.163.com/help", DOT, C.CONTENT),
    ("163", "554 MI:IPB 163 smtp5", MAIL, C.BLOCK),
    ("163", "550 MI:SPF 163 mx", MAIL, C.POLICY_AUTH),
    ("163", "450 RP:CEL 163 smtp", MAIL, C.THROTTLE),
    ("163", "550 User not found: x@163.com", RCPT, C.UNKNOWN_USER),
    ("mail.ru", "550 spam message rejected. Please visit http://help.mail.ru/notspam-support/", DOT, C.CONTENT),
    ("mail.ru", "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: account is disabled", RCPT, C.INACTIVE),
    ("Yandex", "550 5.7.1 No such user!", RCPT, C.UNKNOWN_USER),
    ("Yandex", "554 5.7.1 Message rejected under suspicion of SPAM", DOT, C.CONTENT),
    ("IronPort", "554-Your access to this mail system has been rejected due to the sending MTA's poor reputation.", BANNER, C.BLOCK),
    ("postgrey", "450 4.2.0 <x@y.example>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help", RCPT, C.GREYLIST),
    ("Postfix", "450 4.1.8 <a@b.example>: Sender address rejected: Domain not found", RCPT, C.POLICY_AUTH),
    ("Postfix", "554 5.7.1 <x@y.example>: Relay access denied", RCPT, C.REJECTED),
    ("Postfix", "554 5.4.6 Too many hops", DOT, C.REJECTED),
    ("Exim", "550 Unrouteable address", RCPT, C.REJECTED),
    ("Exim", "451 Temporary local problem - please try later", RCPT, C.TEMPORARY),
]


@pytest.mark.parametrize(("provider", "reply", "stage", "reply_class"), SAID, ids=[f"{row[0]} {row[1][:40]}" for row in SAID])
def test_said_by_providers(provider: str, reply: str, stage: Stage, reply_class: ReplyClass) -> None:
    verdict = classify(int(reply[:3]), parse_enhanced(reply[4:]), reply[4:], stage)
    assert verdict.reply_class is reply_class
    assert not verdict.suppress or reply_class in (C.UNKNOWN_USER, C.BAD_DOMAIN)
    if verdict.blame in (Blame.OUR_IP, Blame.OUR_DOMAIN, Blame.CONTENT, Blame.OURS):
        assert not verdict.suppress
    if reply.startswith("4"):
        assert verdict.retry and not verdict.suppress


# Each sounds like a mailbox that does not exist, and is about us, our server or nobody in particular.
SOUNDS_LIKE_UNKNOWN = [
    "550-Verification failed for <shop@acme.example> 550-No Such User Here 550 Sender verify failed",
    "550 5.1.8 <shop@acme.example>: Sender address rejected: User unknown in relay recipient table",
    "550 5.1.0 <shop@acme.example> sender rejected: unknown user",
    "550 5.7.1 Client IP address unknown",
    "550 5.7.25 Client host rejected: cannot find your reverse hostname",
    "550 5.7.1 <mail.acme.example>: Helo command rejected: Host not found",
    "553 5.1.8 Domain of sender address shop@acme.example does not exist",
    "550 invalid sender address",
    "550 From address does not exist",
    "550 Unbekannter Fehler",
    "550 Absenderadresse unbekannt",
    "550 Adresse de l'expéditeur n'existe pas",
    "550 La dirección del remitente no existe",
    "550 Адрес отправителя не существует",
    "554 5.4.4 Unable to route: host name not found",
    "550 Unknown host",
    "550 5.3.0 unknown error",
]


@pytest.mark.parametrize("reply", SOUNDS_LIKE_UNKNOWN)
@pytest.mark.parametrize("stage", [RCPT, DOT, Stage.DSN])
def test_what_only_sounds_like_an_unknown_user(reply: str, stage: Stage) -> None:
    assert not classify(int(reply[:3]), parse_enhanced(reply[4:]), reply[4:], stage).suppress


@pytest.mark.parametrize(
    "reply",
    [
        "550 Returned to sender: user unknown",
        "550 Empfänger unbekannt",
        "550 Unbekannter Empfänger",
        "550 L'adresse du destinataire n'existe pas",
        "550 La cuenta de correo no existe",
        "550 L'utente non esiste",
        "550 O usuário não existe",
        "550 Пользователь не существует",
        "550 收件人不存在",
    ],
)
def test_unknown_users_of_the_world(reply: str) -> None:
    assert classify(550, None, reply[4:], RCPT).suppress
