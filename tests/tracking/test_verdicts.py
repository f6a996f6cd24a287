"""Persons and machines told apart, with reasons; and what contacts learn of it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from webapp.tracking.verdicts import Signal, judge_agent, judge_all

_CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "verdict", "reasons"),
    [
        (_CHROME, "human", ()),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "human", ()),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)", "human", ("gmail_image_proxy",)),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "proxy", ("yahoo_mail_proxy",)),
        ("Mozilla/5.0", "proxy", ("apple_mail_privacy",)),
        ("", "scanner", ("no_user_agent",)),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "scanner", ("program",)),
        ("curl/8.1", "scanner", ("program",)),
        ("python-requests/2.31", "scanner", ("program",)),
        ("Barracuda Sentinel (EE)", "scanner", ("program",)),
        ("\x00\xff" * 100, "human", ()),
    ],
)
def test_what_a_user_agent_tells(agent: str, verdict: str, reasons: tuple[str, ...]) -> None:
    found = judge_agent(agent)
    assert (found.verdict, found.reasons) == (verdict, reasons)


def test_many_links_at_once_are_no_person() -> None:
    machine, person = uuid4(), uuid4()
    signals = [Signal(machine, 1000 + i * 500, _CHROME, f"https://a.test/{i}") for i in range(3)]
    signals += [Signal(person, 1000 + i * 5000, _CHROME, f"https://a.test/{i}") for i in range(3)]
    signals += [Signal(person, 1000, _CHROME, "https://a.test/0")] * 4 + [Signal(machine, 900, _CHROME, None)]
    found = judge_all(signals)
    assert [one.verdict for one in found] == ["scanner"] * 3 + ["human"] * 8
    assert found[0].reasons == ("burst",)
