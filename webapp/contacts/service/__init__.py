"""What one may do with contacts, lists, tags and segments."""

from webapp.contacts.service.contacts import (
    ContactInput,
    create_contact,
    delete_contact,
    erase_contact,
    merge_contacts,
    update_contact,
    upsert_contact,
    upsert_contacts,
)
from webapp.contacts.service.engagement import note_engagement, note_left, note_status
from webapp.contacts.service.events import EventInput, send_events
from webapp.contacts.service.lists import add_to_list, create_list, delete_list, leave_list, remove_from_list, update_list
from webapp.contacts.service.segments import create_segment, delete_segment, preview_segment, update_segment
from webapp.contacts.service.tags import create_tag, delete_tag, set_tags, tag_contacts, untag_contact, update_tag

__all__ = [
    "ContactInput",
    "EventInput",
    "add_to_list",
    "create_contact",
    "create_list",
    "create_segment",
    "create_tag",
    "delete_contact",
    "delete_list",
    "delete_segment",
    "delete_tag",
    "erase_contact",
    "leave_list",
    "merge_contacts",
    "note_engagement",
    "note_left",
    "note_status",
    "preview_segment",
    "remove_from_list",
    "send_events",
    "set_tags",
    "tag_contacts",
    "untag_contact",
    "update_contact",
    "update_list",
    "update_segment",
    "update_tag",
    "upsert_contact",
    "upsert_contacts",
]
