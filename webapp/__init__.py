"""Postbridge: the web application, the services and the database models. Importing this package must not import Flask."""
