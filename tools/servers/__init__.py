"""Servers for tests: a mail server whose errors a test can choose, its certificates, PostgreSQL, and a WebSub hub (`websub_hub`)."""

from tools.servers.behaviour import (
    Action,
    Behaviour,
    Drop,
    Fault,
    Moment,
    Phase,
    Received,
    Reply,
    Stall,
    addressed,
    always,
    first,
)
from tools.servers.mail_server import MailServer
from tools.servers.postgres_server import PostgresDatabases, PostgresServer

__all__ = [
    "Action",
    "Behaviour",
    "Drop",
    "Fault",
    "MailServer",
    "Moment",
    "Phase",
    "PostgresDatabases",
    "PostgresServer",
    "Received",
    "Reply",
    "Stall",
    "addressed",
    "always",
    "first",
]
