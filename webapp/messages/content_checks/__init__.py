"""What a look at a mail's content tells before it is sent to anybody: links, images, and what filters or readers may stumble over."""

from webapp.messages.content_checks.look import look_at
from webapp.messages.content_checks.types import Check, Image, Link, Look, Tone, Topic

__all__ = ["Check", "Image", "Link", "Look", "Tone", "Topic", "look_at"]
