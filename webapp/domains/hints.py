"""Where a zone is kept, told by its name servers, and what is special about entering records there."""

from __future__ import annotations

from dataclasses import dataclass

from webapp.domains.lookup import Ask
from webapp.kernel.dns import LookUp


@dataclass(frozen=True, slots=True)
class Provider:
    """A DNS provider. ``marks``: parts of its name servers' names; ``adds_zone``: whether it wants names without the zone."""

    key: str
    title: str
    marks: tuple[str, ...]
    adds_zone: bool
    hint: str


PROVIDERS = (
    Provider("cloudflare", "Cloudflare", (".ns.cloudflare.com",), True,
             "Set the proxy status of both CNAME records to DNS only (grey cloud): a proxied CNAME is answered with addresses and never verifies."),
    Provider("route53", "Amazon Route 53", (".awsdns-",), False,
             "Enter names without the zone, TXT values in double quotes, and a DKIM value as several quoted strings of at most 255 characters: "
             "the zone file has them ready."),
    Provider("godaddy", "GoDaddy", (".domaincontrol.com",), True,
             "Enter only the short name: GoDaddy adds the domain itself, and a full name ends up doubled."),
    Provider("namecheap", "Namecheap", (".registrar-servers.com",), True, "Enter only the short name under Advanced DNS; Namecheap adds the domain itself."),
    Provider("google", "Google Cloud DNS", (".googledomains.com",), False, "Enter full names with a dot at the end, and put TXT values in double quotes."),
    Provider("hetzner", "Hetzner", (".hetzner.com", ".hetzner.de", ".first-ns.de"), True,
             "Enter the short name; CNAME targets need a dot at the end."),
    Provider("ionos", "IONOS", (".ui-dns.com", ".ui-dns.de", ".ui-dns.org", ".ui-dns.biz"), True, "Enter only the short name as host name."),
    Provider("ovh", "OVHcloud", (".ovh.net", ".anycast.me"), True, "Enter the short name as sub-domain; CNAME targets need a dot at the end."),
    Provider("digitalocean", "DigitalOcean", (".digitalocean.com",), True, "Enter only the short name as host name; CNAME targets need a dot at the end."),
    Provider("azure", "Azure DNS", (".azure-dns.com",), True, "Enter the short name; long TXT values are split by Azure itself."),
)  # fmt: skip
_BY_KEY = {provider.key: provider for provider in PROVIDERS}


def find_provider(zone: str, ask: Ask) -> str | None:
    """The key of the provider that serves ``zone``, None for one that is not known here."""
    answer = ask(zone, "NS")
    if answer.outcome is not LookUp.FOUND:
        return None
    return next((p.key for p in PROVIDERS if any(mark in f".{server}" for server in answer.values for mark in p.marks)), None)


def provider_of(key: str | None) -> Provider | None:
    """The provider of that key."""
    return _BY_KEY.get(key or "")
