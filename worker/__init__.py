"""Postbridge: the processes that take mail in and send it out. May import webapp; webapp never imports this package."""
