"""The tenants of the host: a real one has them in its database."""

from fastapi import HTTPException

TENANTS = ("acme", "globex", "Łódź & Sons")


def known_tenant(tenant: str) -> str:
    """Return the tenant that the address names."""
    if tenant not in TENANTS:
        raise HTTPException(404, "There is no such tenant.")
    return tenant
