"""Events that mail providers report by webhooks: verified, and read into one form.

events      the form, the request, and the error of a request that is refused
signatures  RSA and ECDSA
ses         Amazon SES; fetches certificates and confirms subscriptions, within bounds
mailgun_postmark_sendgrid    the other providers
"""
