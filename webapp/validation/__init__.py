"""Is an address worth writing to? Judged from the address, DNS and the tenant's own suppressions; no mailbox is ever dialled."""
