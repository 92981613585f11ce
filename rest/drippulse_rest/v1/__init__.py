"""The `/v1` dialect: camelCase, prefixed ids, `{items, total, limit, offset}`, `{error: {code, message}}`."""
