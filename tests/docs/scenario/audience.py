"""Contacts, lists, tags, segments, events of one's own."""

from tests.docs.scenario.steps import Step

_ADA = {"contact_id": "$contact"}
_LIST = {"list_id": "$list"}
_SEGMENT = {"segment_id": "$segment"}
_TAG = {"tag_id": "$tag"}
_IMPORT = {"contact_import_id": "$contact_import"}
_RULES = {"all": [{"field": "status", "operator": "is", "value": "subscribed"}]}
_CSV = "email,first_name,last_name\ngrace@example.net,Grace,Hopper\nno address,No,Body\n"
CONTACTS = (
    Step(
        "create_contact",
        "A contact",
        {"email": "ada@example.net", "first_name": "Ada", "last_name": "Lovelace", "metadata": {"plan": "pro"}, "consent_source": "Sign-up form"},
        save={"contact": "data.id"},
    ),
    Step("upsert_contact", "Make or change by address", {"email": "ada@example.net", "language": "en"}),
    Step("upsert_contacts", "Many at once", {"contacts": [{"email": "alan@example.net", "first_name": "Alan"}, {"email": "joan@example.net"}]}),
    Step("get_contact", "Read a contact", path=_ADA),
    Step("update_contact", "Another plan", {"metadata": {"plan": "team"}}, path=_ADA),
    Step("list_contacts", "Find contacts", query={"search": "ada", "limit": 2}),
    Step("create_tag", "A tag", {"name": "VIP", "color": "#3B82F6"}, save={"tag": "data.id"}),
    Step("get_tag", "Read a tag", path=_TAG),
    Step("list_tags", "All tags"),
    Step("update_tag", "Another colour", {"color": "#0F766E"}, path=_TAG),
    Step("tag_contact", "Tag a contact", path={**_ADA, **_TAG}),
    Step("list_contact_tags", "Tags of a contact", path=_ADA),
    Step("untag_contact", "Take a tag off", path={**_ADA, **_TAG}),
    Step("replace_contact_tags", "Exactly these tags", {"tag_ids": ["$tag"]}, path=_ADA),
    Step("record_event", "An order", {"name": "order.placed", "email": "ada@example.net", "properties": {"total": 42}}),
    Step(
        "record_events", "Several events", {"events": [{"name": "order.paid", "contact_id": "$contact"}, {"name": "order.paid", "email": "alan@example.net"}]}
    ),
    Step("list_contact_events", "What a contact did", path=_ADA),
    Step("export_contact", "Everything about one person", path=_ADA),
    Step("export_contacts", "All contacts as CSV", query={"tag_id": "$tag"}),
)
LISTS = (
    Step("create_list", "A list", {"name": "Newsletter Subscribers", "description": "Weekly newsletter list"}, save={"list": "data.id"}),
    Step("get_list", "Read a list", path=_LIST),
    Step("list_lists", "All lists"),
    Step("update_list", "Another description", {"description": "Every Friday"}, path=_LIST),
    Step("add_list_contact", "Subscribe somebody", {"email": "ada@example.net"}, path=_LIST),
    Step("list_list_contacts", "Who is on it", path=_LIST, query={"limit": 2}),
    Step("unsubscribe_list_contact", "Unsubscribe", path={**_LIST, **_ADA}),
    Step("remove_list_contact", "Take off the list", path={**_LIST, **_ADA}),
    Step("import_list_contacts", "A CSV file onto a list", _CSV, path=_LIST, kind="text/csv", save={"contact_import": "data.id"}),
    Step("get_import", "How far it is", path=_IMPORT),
    Step("list_imports", "All imports"),
    Step("get_import_errors", "Rows that were not taken", path=_IMPORT),
    Step("import_contacts", "A CSV file, without a list", _CSV, kind="text/csv", save={"second_import": "data.id"}),
    Step("cancel_import", "Stop an import", path={"contact_import_id": "$second_import"}),
    Step("preview_segment", "Who would be in it", {"rules": _RULES}),
    Step("create_segment", "A segment", {"name": "Active readers", "rules": _RULES}, save={"segment": "data.id"}),
    Step("get_segment", "Read a segment", path=_SEGMENT),
    Step("list_segments", "All segments"),
    Step("update_segment", "Another name", {"name": "Readers"}, path=_SEGMENT),
    Step("get_segment_count", "How many", path=_SEGMENT),
    Step("list_segment_contacts", "Who is in it", path=_SEGMENT, query={"limit": 2}),
    Step("check_segment_contact", "Is somebody in it?", path={**_SEGMENT, **_ADA}),
)
ENDS = (
    Step("upsert_contact", "The same person with another address", {"email": "ada@example.org"}, save={"double": "data.id"}),
    Step("merge_contacts", "Two become one", {"into": "$contact"}, path={"contact_id": "$double"}),
    Step("erase_contact", "Forget a person", path=_ADA),
    Step("create_contact", "Another contact", {"email": "kurt@example.net"}, save={"other": "data.id"}),
    Step("delete_contact", "Delete a contact", path={"contact_id": "$other"}),
    Step("delete_segment", "Delete a segment", path=_SEGMENT),
    Step("delete_tag", "Delete a tag", path=_TAG),
    Step("delete_list", "Delete a list", path=_LIST),
)
AUDIENCE = (*CONTACTS, *LISTS, *ENDS)
