"""Which mailbox provider stands behind the MX hosts of a domain: the group of destinations that shares a budget and a reputation."""

from __future__ import annotations

from publicsuffixlist import PublicSuffixList

#: Suffix of an MX host: provider. Google Workspace, Microsoft 365 and iCloud host other people's domains under these names too.
MX_SUFFIXES = {
    "google.com": "google", "googlemail.com": "google", "psmtp.com": "google",
    "outlook.com": "microsoft", "hotmail.com": "microsoft", "office365.us": "microsoft", "mail.protection.partner.outlook.cn": "microsoft",
    "mx.microsoft": "microsoft",
    "yahoodns.net": "yahoo", "yahoo.co.jp": "yahoo", "aol.com": "yahoo",
    "icloud.com": "apple", "apple.com": "apple",
    "comcast.net": "comcast", "gmx.net": "gmx", "web.de": "gmx", "1and1.com": "gmx", "kundenserver.de": "gmx",
    "orange.fr": "orange", "wanadoo.fr": "orange",
    "pphosted.com": "proofpoint", "ppe-hosted.com": "proofpoint", "gpphosted.com": "proofpoint",
    "mimecast.com": "mimecast", "mimecast.co.za": "mimecast",
    "zoho.com": "zoho", "zoho.eu": "zoho", "zoho.in": "zoho",
    "messagingengine.com": "fastmail", "protonmail.ch": "proton", "mail.ru": "mailru", "yandex.ru": "yandex", "yandex.net": "yandex",
    "qq.com": "tencent", "163.com": "netease", "netease.com": "netease",
}  # fmt: skip
_SUFFIXES = PublicSuffixList()


def provider_of_host(domain: str, host: str | None) -> str:
    """The provider of a domain whose mail is preferably taken by ``host``; None: by the domain itself, whose registrable part it is then.

    The host that is preferred decides: a domain that keeps an old relay as its last MX is not that relay's.
    """
    preferred = (host or domain).rstrip(".").lower()
    name = preferred
    while "." in name:
        if found := MX_SUFFIXES.get(name):
            return found
        name = name.partition(".")[2]
    if preferred.replace(".", "").isdigit() or ":" in preferred or preferred.startswith("["):
        return domain.strip("[]")
    return str(_SUFFIXES.privatesuffix(preferred) or preferred)
