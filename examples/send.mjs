// One message with Node.js 18 or newer.
import { randomUUID } from "node:crypto";

const { POSTBRIDGE_URL, POSTBRIDGE_API_KEY } = process.env;
const response = await fetch(`${POSTBRIDGE_URL}/api/v1/email/send`, {
  method: "POST",
  headers: { Authorization: `Bearer ${POSTBRIDGE_API_KEY}`, "Content-Type": "application/json", "Idempotency-Key": randomUUID() },
  body: JSON.stringify({ from: "shop@your-domain.com", to: "customer@example.net", subject: "Hello", text: "It works" }),
});
const answer = await response.json();
if (!response.ok) {
  console.error(`${answer.error.message} See ${answer.error.doc_url}`);
  process.exit(1);
}
console.log(JSON.stringify(answer));
