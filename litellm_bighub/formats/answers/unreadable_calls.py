"""Why calls cannot be decided on, in words that every wire format shares."""

UNFINISHED = "the call is unfinished"
NO_NAME = "the call has no name"
NO_ID = "the call has no id"
NO_PAYLOAD = "the call does not say what is to be done"
TOO_DEEP = "the call is nested too deep"
TORN = "the pieces of this call do not fit together"
