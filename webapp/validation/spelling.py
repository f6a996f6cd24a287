"""`gmial.com` is probably `gmail.com`: a small edit distance over the large mailbox providers.

Only names of five letters and more are compared, or half the short domains of the world would be taken for AOL.
"""

from __future__ import annotations

import functools

#: Large providers. The first group is what typing mistakes are compared with; the second is only known to be right as it is.
_PROVIDERS = frozenset(
    "gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.co.jp yahoo.co.in yahoo.com.br yahoo.ca hotmail.com "
    "hotmail.co.uk hotmail.fr hotmail.de hotmail.it hotmail.es outlook.com outlook.de outlook.fr outlook.es icloud.com protonmail.com fastmail.com "
    "comcast.net verizon.net sbcglobal.net bellsouth.net t-online.de freenet.de wanadoo.fr orange.fr laposte.net libero.it virgilio.it yandex.com "
    "yandex.ru rambler.ru btinternet.com rediffmail.com".split()
)
_OTHERS = frozenset(
    "ymail.com email.com mail.com gmx.com gmx.net gmx.de gmx.at gmx.ch live.com live.co.uk live.fr msn.com aol.com me.com mac.com web.de pm.me proton.me "
    "att.net cox.net free.fr sfr.fr tiscali.it qq.com 163.com 126.com sina.com naver.com daum.net zoho.com hey.com inbox.com mail.ru bk.ru list.ru "
    "tutanota.com rocketmail.com aim.com hushmail.com gmail.de fastmail.fm yahoo.com.au yahoo.com.mx yahoo.com.ar hotmail.be hotmail.nl outlook.it outlook.be "
    "outlook.com.br shaw.ca rogers.com sky.com ntlworld.com blueyonder.co.uk virginmedia.com bigpond.com optusnet.com.au".split()
)
#: What people type instead of `com`, `net` and `de`.
_ENDINGS = {
    "com": frozenset("con cmo ocm cm co om comm vom xom cim coom cpm clm dom comn conm como copm kom c".split()),
    "net": frozenset("ent nte met nt bet neet nett".split()),
    "de": frozenset("ed dde dee d".split()),
    "fr": frozenset("rf ffr frr f".split()),
}
_SHORTEST = 5


@functools.lru_cache(maxsize=16384)
def suggest_domain(domain: str) -> str | None:
    """The provider that ``domain`` (an A-label in lower case) is probably a typing mistake of, or None. Large providers are never corrected."""
    if domain in _PROVIDERS or domain in _OTHERS:
        return None
    best: tuple[int, str] | None = None
    for provider in sorted(_PROVIDERS):
        steps = _steps(domain, provider)
        if steps is not None and (best is None or steps < best[0]):
            best = (steps, provider)
    return best[1] if best else None


def _steps(domain: str, provider: str) -> int | None:
    """How many mistakes lie between the two; None when they are too many to be mistakes."""
    name, _, ending = provider.partition(".")
    typed, dot, typed_ending = domain.partition(".")
    if not dot:
        return 1 if domain == name + ending else None  # gmailcom
    ending_steps = 0 if typed_ending == ending else 1 if typed_ending in _ENDINGS.get(ending, ()) else None
    if ending_steps is None or len(name) < _SHORTEST:
        return None
    most = 2 if len(name) >= 8 else 1
    name_steps = distance(typed, name, most)
    return name_steps + ending_steps if name_steps <= most else None


def distance(one: str, other: str, most: int) -> int:
    """Insertions, deletions, changes and swaps of neighbours between two words, or ``most`` + 1 when there are more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, sign in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            steps = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (sign != wanted))
            if i > 1 and j > 1 and sign == other[j - 2] and one[i - 2] == wanted:
                steps = min(steps, older[j - 2] + 1)
            row.append(steps)
        if min(row) > most:
            return most + 1
    return row[-1]
