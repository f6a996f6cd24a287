<?php
// One message with PHP, without a library.
$request = stream_context_create(['http' => [
    'method' => 'POST',
    'ignore_errors' => true, // read refusals too
    'header' => ['Authorization: Bearer ' . getenv('POSTBRIDGE_API_KEY'), 'Content-Type: application/json', 'Idempotency-Key: ' . bin2hex(random_bytes(16))],
    'content' => json_encode(['from' => 'shop@your-domain.com', 'to' => 'customer@example.net', 'subject' => 'Hello', 'text' => 'It works']),
]]);
$answer = json_decode((string) file_get_contents(getenv('POSTBRIDGE_URL') . '/api/v1/email/send', false, $request), true);
if (!isset($answer['id'])) {
    fwrite(STDERR, ($answer['error']['message'] ?? 'no answer') . PHP_EOL);
    exit(1);
}
echo json_encode($answer), PHP_EOL;
