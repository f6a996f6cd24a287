"""Which mailbox provider stands behind the MX hosts of a domain: the group of destinations that shares a budget and a reputation."""

from __future__ import annotations

from publicsuffixlist import PublicSuffixList

from worker.delivery.resolver import Destination

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
_MOST = 50_000


def provider_of(domain: str, destinations: tuple[Destination, ...]) -> str:
    """The provider of a domain whose mail goes to ``destinations``, best first; no destinations: the domain's own registrable part.

    The host that is preferred decides: a domain that keeps an old relay as its last MX is not that relay's.
    """
    host = (destinations[0].host if destinations else domain).rstrip(".").lower()
    name = host
    while "." in name:
        if found := MX_SUFFIXES.get(name):
            return found
        name = name.partition(".")[2]
    if host.replace(".", "").isdigit() or ":" in host or host.startswith("["):
        return domain.strip("[]")
    return str(_SUFFIXES.privatesuffix(host) or host)


class Providers:
    """The providers of domains seen lately. A domain is judged once for as long as its MX answer is the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[Destination, ...], str]] = {}

    def of(self, domain: str, destinations: tuple[Destination, ...]) -> str:
        """As ``provider_of``, remembered."""
        known = self._known.get(domain)
        if known is not None and (known[0] is destinations or known[0] == destinations):
            return known[1]
        if len(self._known) >= _MOST:
            self._known.clear()
        provider = provider_of(domain, destinations)
        self._known[domain] = (destinations, provider)
        return provider
