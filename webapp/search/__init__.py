"""Search from anywhere: mail, bridges, domains, templates and pages by what they are called."""
