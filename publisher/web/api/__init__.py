"""The API for programs, `/api/v1`, served by the console's process.

Modules of operations have `OPERATIONS`. From these tables `application` makes the routes and checks, and
`document` the OpenAPI document. Nothing but a key of the API lets anybody in.
"""
