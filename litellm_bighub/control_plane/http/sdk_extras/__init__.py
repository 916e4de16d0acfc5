"""Operations that are here only because BIGHUB's SDK has methods for them. They are not part of the product.

The gateway, the inbox and the command line use none of them, and README promises none. To understand decisions,
approvals, rules or the audit, skip this folder. An operation stays as long as the SDK has a method for it, and
`tests/control_plane/http/test_every_method.py` calls each.
"""
