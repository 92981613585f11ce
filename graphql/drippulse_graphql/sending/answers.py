"""What the models of sending are in the schema."""

from drippulse.sending import schemas
from drippulse_graphql.kit.models.names import called

POLICY = called(schemas.SendingOut, "SendingPolicy")
called(schemas.TotalsOut, "SendingTotals")
called(schemas.CountOut, "SendingWindow")
called(schemas.BreakerOut, "SendingBreaker")
called(schemas.BreakerRule, "SendingBreakerRule")
STATUS = called(schemas.SendingStatusOut, "SendingStatus")
called(schemas.Caps, "SendingCaps")
called(schemas.CapsByScope, "SendingCapsByScope")
