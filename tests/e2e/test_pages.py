"""Every page of the dashboard, in both themes, on a desk and on a phone: nothing overflows, nothing is refused, and axe finds nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.e2e.calls import arrived, call, send
from tests.e2e.conftest import Demo
from tests.e2e.packages import node_modules
from tests.e2e.watched import Person, person

pytestmark = pytest.mark.timeout(300)

PUBLIC = (
    "/login", "/sign-up", "/forgot-password", "/reset-password?token=x", "/docs/", "/docs/api", "/docs/errors", "/docs/first-send", "/docs/bring-your-code",
    "/docs/webhooks", "/docs/search?q=bounce",
)  # fmt: skip
PRIVATE = (
    "/", "/messages/", "/messages/?state=bounced&tag=x", "/reports/", "/reports/?split=bridge&days=7", "/search/?q=order",
    "/messages/sandbox", "/bridges/", "/bridges/new", "/pools/", "/pools/ips", "/sending-accounts/", "/sending-accounts/new",
    "/domains/", "/templates/", "/templates/new", "/suppressions/", "/suppressions/import", "/check-addresses/",
    "/suppressions/why?email=bounce%2Bpages@simulator.postbridge.test", "/incidents/", "/simulator/",
    "/keys", "/roles", "/roles/new", "/settings", "/team", "/activity/", "/pace/throttles", "/pace/warmup", "/pace/budgets", "/pace/holds",
)  # fmt: skip
#: Colours may fade from one theme to the other: what is judged is where they end.
_DRESS = """async (theme) => {
  document.documentElement.dataset.theme = theme;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  await Promise.allSettled(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished));
}"""
_AXE = """async () => {
  const found = await axe.run(document, { iframes: false, resultTypes: ["violations"] });
  return found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 120)).join(" | ")}`);
}"""


@pytest.fixture(scope="module")
def addresses_of_pages(demo: Demo) -> tuple[str, ...]:
    """Lists, and one object of each kind with some life in it."""
    message_id = send(demo, "open+click", key=demo.credentials["bridge"]["token"])
    send(demo, "bounce+pages")
    send(demo, "delivered", key="api_key_test")
    arrived(demo, message_id)
    found = [f"/messages/{message_id}", f"/bridges/{demo.credentials['bridge']['id']}"]
    for path, page in (("domains", "domains"), ("pools", "pools"), ("providers", "sending-accounts"), ("templates", "templates")):
        found += [f"/{page}/{row['id']}" for row in call(demo, "GET", f"/api/v1/{path}")[1]["data"][:1]]
    return (*PRIVATE, *found)


def _visit(somebody: Person, path: str) -> None:
    somebody.go(path)
    somebody.page.wait_for_load_state("load")


def test_no_page_overflows_a_phone(demo: Demo, browser: Any, addresses_of_pages: tuple[str, ...]) -> None:
    wide = []
    with person(demo, browser, width=360, height=740, has_touch=True) as somebody:
        for path in PUBLIC:
            _visit(somebody, path)
            wide += _overflow(somebody, path)
        somebody.log_in()
        for path in addresses_of_pages:
            _visit(somebody, path)
            wide += _overflow(somebody, path)
        somebody.go("/bridges/")
        somebody.page.get_by_role("button", name="Menu").click()
        somebody.page.locator("#sidebar").get_by_role("link", name="Messages").click()
        somebody.page.wait_for_url(re.compile(r"/messages/$"))
    assert not wide


def _overflow(somebody: Person, path: str) -> list[str]:
    width = somebody.page.evaluate("document.documentElement.scrollWidth")
    return [f"{path} is {width} wide"] if width > 360 else []


def test_axe_finds_nothing_in_either_theme(demo: Demo, browser: Any, addresses_of_pages: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    axe = (node_modules(tmp_path_factory, "axe-core@4") / "axe-core" / "axe.min.js").read_text()
    wrong: list[str] = []
    # Past the policy, which rightly refuses to run a script that is not ours.
    with person(demo, browser, bypass_csp=True, reduced_motion="reduce") as somebody:
        for path in PUBLIC:
            wrong += _judged(somebody, path, axe)
        somebody.log_in()
        for path in addresses_of_pages:
            wrong += _judged(somebody, path, axe)
    assert not wrong, "\n".join(wrong)


def _judged(somebody: Person, path: str, axe: str) -> list[str]:
    _visit(somebody, path)
    somebody.page.evaluate(axe)
    found = []
    for theme in ("light", "dark"):
        somebody.page.evaluate(_DRESS, theme)
        faults = somebody.page.evaluate(_AXE)
        if faults:  # looked at in the middle of a repaint, colours of two themes meet: what is wrong stays wrong
            somebody.page.wait_for_timeout(500)
            faults = somebody.page.evaluate(_AXE)
        found += [f"{path} ({theme}) {text}" for text in faults]
    return found


def test_mail_is_shown_in_a_frame_that_can_do_nothing(demo: Demo, owner: Person) -> None:
    """Scripts, pictures from elsewhere and forms in a mail stay dead in the preview."""
    evil = '<script>document.title="owned"</script><img src="http://198.51.100.9/x.png"><form action="http://198.51.100.9/"></form><p>Calm</p>'
    message_id = send(demo, "delivered", html=evil)
    owner.go(f"/messages/{message_id}")
    frame = owner.page.frame_locator("iframe").first
    frame.get_by_text("Calm").wait_for()
    assert "owned" not in owner.page.title()
    # The policy does refuse, and says so: that is what is wanted here. Nothing went out.
    owner.faults[:] = [fault for fault in owner.faults if not re.search("Content Security Policy|CSP", fault)]


def test_pages_work_without_javascript(demo: Demo, browser: Any) -> None:
    with person(demo, browser, java_script_enabled=False) as somebody:
        somebody.log_in()
        bridge = demo.credentials["bridge"]["id"]
        for path in ("/bridges/", f"/bridges/{bridge}", "/messages/"):
            somebody.go(path)
        somebody.go("/bridges/")
        switch = somebody.page.locator(f"#track-clicks-{bridge}-switch")
        before = switch.get_attribute("aria-checked")
        switch.click()
        assert somebody.page.locator(f"#track-clicks-{bridge}-switch").get_attribute("aria-checked") != before
        somebody.page.locator(f"#track-clicks-{bridge}-switch").click()


def test_a_page_that_does_not_exist_says_so(owner: Person) -> None:
    answer = owner.page.goto(owner.base + "/no-such-page")
    assert answer is not None and answer.status == 404
    assert "There is nothing here" in owner.page.content()
    owner.faults[:] = [fault for fault in owner.faults if "status of 404" not in fault]
