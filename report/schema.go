package report

import _ "embed"

// Schema is the JSON Schema, draft 2020-12, of what JSON writes; of a line that
// NDJSON writes it is "#/$defs/ndjsonLine". docs/json.md is made of it.
//
//go:embed schema.json
var Schema string
