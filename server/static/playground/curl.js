// The call as a line of shell. It must do what it shows, whatever was typed.

// Linux takes no argument of more than 128 KiB; longer bodies go in by standard input.
const LONGEST_ARGUMENT = 100_000;

export function curlCall(url, body, withKey) {
  const json = prettyJson(body);
  const parts = [`curl ${quoted(url)}`, "-H 'Content-Type: application/json'"];
  if (withKey) parts.push('-H "Authorization: Bearer $NLI_TAGGER_API_KEY"');
  const long = new TextEncoder().encode(json).length > LONGEST_ARGUMENT;
  parts.push(long ? `-d @- <<'JSON'\n${json}\nJSON` : `-d ${quoted(json)}`);
  return parts.join(" \\\n  ");
}

function quoted(argument) {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}

function prettyJson(body) {
  const fields = Object.entries(body).map(([name, value]) => `  ${JSON.stringify(name)}: ${prettyValue(value)}`);
  return escaped(`{\n${fields.join(",\n")}\n}`);
}

function prettyValue(value) {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(", ")}]`;
  return JSON.stringify(value, null, 2).replaceAll("\n", "\n  ");
}

// What a terminal would obey rather than print, or what would change the order of what is shown.
function escaped(json) {
  const unprintable = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
  return json.replace(unprintable, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
