"""The sending of webhooks: claimed deliveries in, results out."""
