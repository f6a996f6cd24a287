"""The core: message, recipient, event, attempt, queue."""
