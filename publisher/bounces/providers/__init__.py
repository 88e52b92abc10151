"""Events that mail providers report by webhooks: verified, and read into one form.

events      the form, the request, and the error of a request that is refused
fetching    fetches certificates and confirms subscriptions, within bounds
signatures  RSA and ECDSA
ses, postmark, mailgun, sendgrid    one provider each
"""
