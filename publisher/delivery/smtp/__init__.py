"""The transport that hands mail to a server by SMTP, and what the server's answers mean."""

from publisher.delivery.smtp.transport import SmtpTransport

__all__ = ["SmtpTransport"]
