"""What every feature is built from: sessions and tenancy, errors, ids, clock, crypto, outbound HTTP."""
