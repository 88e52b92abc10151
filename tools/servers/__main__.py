"""Runs the mail server as a process of its own."""

from tools.servers.mail_server import main

main()
