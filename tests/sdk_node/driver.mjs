// Calls the unmodified SDK against the server at argv[2]: a JSON line in for every call, a JSON line out.
// {"method": "tag", "arguments": {...}, "apiKey": "..." | null} gives {"result": ...} or {"error": {...}}
import { createInterface } from "node:readline";
import { ClasserClient } from "classer-ai";

ClasserClient.BASE_URL = process.argv[2];

async function answer({ method, arguments: request, apiKey }) {
  try {
    return { result: await new ClasserClient({ apiKey: apiKey ?? undefined })[method](request) };
  } catch ({ name, message, status, detail }) {
    return { error: { name, message, status, detail } };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
