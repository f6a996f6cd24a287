"""Figures, suppressions, incidents, the log."""

from tests.docs.scenario.steps import Step

_HOURS = {"since": "2026-05-04T08:30:00Z", "until": "2026-05-04T09:31:00Z"}
READING = (
    Step("get_stats", "The last two days", query={"days": 2}),
    Step("get_bridge_stats", "Of one bridge", path={"bridge_id": "$bridge"}, query={"days": 1}),
    Step("add_suppression", "By hand", {"email": "customer@example.org", "note": "Asked by phone"}),
    Step("add_suppression", "No newsletters", {"email": "reader@example.org", "scope": "bulk", "reason": "unsubscribe"}),
    Step("add_suppressions", "Many at once", {"emails": ["a@example.org", "b@example.org"], "reason": "hard_bounce"}),
    Step("check_suppressions", "Would mail leave?", {"emails": ["a@example.org", "new@example.org"]}),
    Step(
        "import_suppressions",
        "A file of another provider",
        "email,reason\nc@example.org,bounce\nno address,bounce\n",
        query={"filename": "bounces.csv"},
        kind="text/csv",
        save={"import": "data.id"},
    ),
    Step("get_suppression_import", "What it brought", path={"import_id": "$import"}),
    Step("list_suppressions", "By reason", query={"reason": "hard_bounce", "limit": 2}),
    Step("get_suppression", "One address", path={"email": "gone@example.net"}),
    Step("export_suppressions", "As CSV", query={"reason": "hard_bounce"}),
    Step("remove_suppression", "Allow again", path={"email": "customer@example.org"}, query={"reason": "Asked for mail again"}),
    Step("remove_suppressions", "Allow many again", {"emails": ["a@example.org", "b@example.org"], "reason": "The list was wrong"}),
    Step("preview_incidents", "What an undoing would do", {**_HOURS, "text": "user unknown"}),
    Step(
        "undo_incident",
        "Undo it",
        {**_HOURS, "text": "user unknown", "note": "Their directory was away", "key": "outage-2026-05-04"},
        save={"incident": "data.id"},
    ),
    Step("get_incident", "What came of it", path={"incident_id": "$incident"}),
    Step("list_incidents", "All of them"),
    Step("list_activity", "Who changed bridges", query={"action": "bridge", "limit": 2}),
    Step(
        "report_from_postfix",
        "A bounce that came later",
        {
            "event": "bounce",
            "recipient": "customer@example.net",
            "message_id": "$header",
            "reason": "550 User not found",
            "status": "5.1.1",
        },
        key="none",
        headers={"X-Webhook-Secret": "the-shared-secret"},
        before="remember",
    ),
)
