"""The headers with which a browser keeps the page to what it needs."""

from cobalt_mirror.workers.web_addresses import origin_of


def security_headers(*, nonce: str, cobalt_url: str) -> dict[str, str]:
    """Return the headers of the page.

    Args:
        nonce: what the page's own script and style elements carry; no others run.
        cobalt_url: where the vendor's SDK sends its requests.
    """
    policy = {
        "default-src": "'none'",
        "script-src": f"'nonce-{nonce}'",
        "style-src": f"'nonce-{nonce}'",
        "img-src": "'self' data: https:",  # the vendor's icons lie on servers of the applications
        "font-src": "'self'",  # of the host's stylesheet
        "connect-src": f"'self' {origin_of(cobalt_url)}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
    }
    return {
        "content-security-policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        # `same-origin` would cut the page off from the window in which the customer consents.
        "cross-origin-opener-policy": "same-origin-allow-popups",
        **PRIVATE,
    }


#: What every answer about a customer has.
PRIVATE = {
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
