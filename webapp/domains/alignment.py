"""Whether mail's signature and return path stand for its From domain, the way DMARC compares them (RFC 9989 section 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webapp.domains.types import Alignment


def align(from_domain: str, signed_by: str | None, return_path: str, own_return_path: bool, dmarc: Mapping[str, Any] | None) -> Alignment:
    """Compare. ``signed_by``: the verified domain in ``d=``, which is ``from_domain`` or above it; ``own_return_path``: whether
    ``return_path`` stands below that domain. ``dmarc``: what the last check found, for its strict modes."""
    strict_dkim, strict_spf = (bool(dmarc and dmarc.get(mode)) for mode in ("strict_dkim", "strict_spf"))
    dkim = signed_by is not None and (signed_by == from_domain or not strict_dkim)
    spf = own_return_path and (return_path == from_domain or not strict_spf)
    return Alignment(from_domain, dkim, spf, signed_by, return_path, _why(from_domain, dkim, spf, signed_by, return_path, own_return_path))


def _why(from_domain: str, dkim: bool, spf: bool, signed_by: str | None, return_path: str, own_return_path: bool) -> str:
    if signed_by is None:
        first = "It carries no DKIM signature, because no key of the domain is published rightly"
    elif dkim:
        first = f"Its DKIM signature stands for {signed_by}, which is aligned with {from_domain}"
    else:
        first = f"Its DKIM signature stands for {signed_by}, but the DMARC record asks for exactly {from_domain} (adkim=s)"
    if spf:
        second = f"the return path {return_path} is aligned too" if dkim else f"the return path {return_path} is aligned"
    elif own_return_path:
        second = f"the return path {return_path} is not exactly {from_domain}, as the DMARC record asks (aspf=s)"
    else:
        second = f"the return path is {return_path}, which is not aligned"
    end = "DMARC passes." if dkim or spf else "DMARC fails: receivers may refuse it or file it as spam. Publish the DKIM records or the return path."
    return f"{first}; {second}. {end}"
