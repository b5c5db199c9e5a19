<?php
// Is this receipt good for my payment, and is this webhook from the service? PHP 8.1 or later with OpenSSL.
// With the extension `intl` names of payees may come in any spelling; without it, keep them in NFC (what is not is refused).
//
//   php verify.php receipts receipt-v1.json     prints what each case of the published vectors comes to

declare(strict_types=1);

final class Refused extends Exception
{
}

/** `$payment` is your own record of it. The claims, if the receipt is good at `$now` (seconds since 1970); throws Refused. */
function verify_receipt(
    string $receipt,
    array $jwks,
    string $audience,
    string $issuer,
    array $payment,
    int $now,
    array $tolerated_warnings = [],
): array {
    $parts = explode('.', $receipt);
    if (strlen($receipt) > 8192 || count($parts) !== 3) {
        throw new Refused('malformed');
    }
    // 1. It is a receipt, and not another token of the same service.
    $header = object_of($parts[0]);
    if (($header['typ'] ?? '') !== 'stepup-receipt+jwt' || ($header['alg'] ?? '') !== 'ES256' || isset($header['crit'])) {
        throw new Refused('malformed');
    }
    // 2. The service signed it, for us.
    $pem = null;
    foreach ($jwks['keys'] as $key) {
        if (($key['kid'] ?? null) === ($header['kid'] ?? '') && ($key['kty'] ?? '') === 'EC' && ($key['crv'] ?? '') === 'P-256') {
            $pem = pem_of(base64url($key['x']), base64url($key['y']));
        }
    }
    if ($pem === null) {
        throw new Refused('unknown-key');
    }
    $signature = base64url($parts[2]);
    if (strlen($signature) !== 64 || openssl_verify("$parts[0].$parts[1]", der_of($signature), $pem, OPENSSL_ALGO_SHA256) !== 1) {
        throw new Refused('signature');
    }
    $claims = object_of($parts[1]);
    if (($claims['iss'] ?? null) !== $issuer) {
        throw new Refused('issuer');
    }
    if (($claims['aud'] ?? null) !== $audience) {
        throw new Refused('audience');
    }
    // 3. It is good now.
    if (!is_int($claims['iat'] ?? null) || !is_int($claims['exp'] ?? null)) {
        throw new Refused('malformed');
    }
    if ($now >= $claims['exp']) {
        throw new Refused('expired');
    }
    if ($claims['iat'] - $now > 60) {
        throw new Refused('not-yet');
    }
    if ($claims['exp'] - $claims['iat'] > 300) {
        throw new Refused('too-long');
    }
    // 4. It is for this payment and this payer.
    if (($claims['binding']['v'] ?? null) !== 1 || ($claims['binding']['digest'] ?? null) !== digest($payment)) {
        throw new Refused('other-payment');
    }
    if (($claims['sub'] ?? null) !== $payment['user_id'] || $claims['aud'] !== $payment['client']) {
        throw new Refused('other-payer');
    }
    // 5. It lets the payment go, and no frightening setting stands behind it.
    if (!in_array($claims['status'] ?? null, ['approved', 'exempted', 'authenticated'], true)) {
        throw new Refused('not-released');
    }
    if (array_diff($claims['warnings'] ?? [], $tolerated_warnings) !== []) {
        throw new Refused('warnings');
    }
    return $claims;
}

/** The binding of a payment, version 1: docs/binding.md. */
function digest(array $payment): string
{
    $payee = $payment['payee'];
    // Members stand in the order of their names. PHP would escape slashes and everything beyond ASCII, U+2028 among it.
    $canonical = json_encode([
        'amount_minor' => $payment['amount_minor'],
        'client' => $payment['client'],
        'currency' => $payment['currency'],
        'payee' => ['id' => $payee['id'], 'name' => nfc($payee['name'])],
        'transaction_id' => $payment['transaction_id'],
        'type' => $payment['type'],
        'user_id' => $payment['user_id'],
    ], JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_LINE_TERMINATORS | JSON_THROW_ON_ERROR);
    return 'sha256:' . hash('sha256', "authsvc-payment-binding-v1\0" . $canonical);
}

/** `$headers` by lower-case name, `$body` the raw bytes as they came. The event, if it is from the service; throws Refused. */
function verify_webhook(array $headers, string $body, string $secret, int $now): array
{
    [$id, $timestamp, $signatures] = array_map(fn ($name) => $headers["webhook-$name"] ?? '', ['id', 'timestamp', 'signature']);
    if ($id === '' || $signatures === '' || !preg_match('/\A[0-9]{1,11}\z/', $timestamp)) {
        throw new Refused('incomplete');
    }
    if (abs($now - (int) $timestamp) > 300) {
        throw new Refused('stale');
    }
    $key = base64_decode(preg_replace('/\Awhsec_/', '', $secret), true);
    if ($key === false || $key === '') {
        throw new InvalidArgumentException('a webhook secret is `whsec_` and base64');
    }
    $expected = hash_hmac('sha256', "$id.$timestamp.$body", $key, true);
    foreach (explode(' ', $signatures) as $each) {
        if (str_starts_with($each, 'v1,') && hash_equals($expected, (string) base64_decode(substr($each, 3), true))) {
            return json_decode($body, true, 64, JSON_THROW_ON_ERROR);
        }
    }
    throw new Refused('signature');
}

function nfc(string $name): string
{
    return class_exists('Normalizer') ? Normalizer::normalize($name, Normalizer::FORM_C) : $name;
}

function base64url(string $text): string
{
    $bytes = base64_decode(strtr($text, '-_', '+/'), true);
    if ($bytes === false || !preg_match('/\A[A-Za-z0-9_-]+\z/', $text)) {
        throw new Refused('malformed');
    }
    return $bytes;
}

function object_of(string $part): array
{
    $value = json_decode(base64url($part), true, 64);
    if (!is_array($value) || array_is_list($value)) {
        throw new Refused('malformed');
    }
    return $value;
}

/** A P-256 point as OpenSSL reads it: SubjectPublicKeyInfo in PEM. */
function pem_of(string $x, string $y): string
{
    $head = hex2bin('3059301306072a8648ce3d020106082a8648ce3d030107034200');
    return "-----BEGIN PUBLIC KEY-----\n" . chunk_split(base64_encode("$head\x04$x$y"), 64) . "-----END PUBLIC KEY-----\n";
}

/** A JWS signature (r and s of 32 bytes each) as OpenSSL reads it: a DER sequence of two integers. */
function der_of(string $signature): string
{
    $integers = '';
    foreach (str_split($signature, 32) as $number) {
        $number = ltrim($number, "\0");
        $number = $number === '' || ord($number[0]) > 127 ? "\0$number" : $number;
        $integers .= "\x02" . chr(strlen($number)) . $number;
    }
    return "\x30" . chr(strlen($integers)) . $integers;
}

function verdict(callable $check): string
{
    try {
        $check();
        return 'ok';
    } catch (Refused $refused) {
        return $refused->getMessage();
    }
}

if (realpath($argv[0] ?? '') === __FILE__) {
    [, $kind, $path] = $argv;
    $file = json_decode(file_get_contents($path), true, 64, JSON_THROW_ON_ERROR);
    foreach ($kind === 'bindings' ? $file['accepted'] : $file['cases'] as $case) {
        $came = match ($kind) {
            'bindings' => digest($case['payment']),
            'receipts' => verdict(fn () => verify_receipt(
                $case['receipt'], $file['jwks'], $case['audience'], $case['issuer'], $case['payment'], $case['now'],
                $case['tolerated_warnings'],
            )),
            'webhooks' => verdict(fn () => verify_webhook($case['headers'], $case['body'], $case['secret'], $case['now'])),
        };
        echo "$case[name]\t$came\n";
    }
}
