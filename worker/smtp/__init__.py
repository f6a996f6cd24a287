"""SMTP servers: submission, inbound and the simulator, over one protocol class."""
