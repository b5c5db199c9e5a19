// Is this receipt good for my payment, and is this webhook from the service? Java 17 or later, nothing but the JDK.
// The JDK reads no JSON: `Json` below stands in for the library that you use already.
//
//   java Verify.java receipts receipt-v1.json     prints what each case of the published vectors comes to

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPublicKeySpec;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public final class Verify {

    public static final class Refused extends Exception {
        public Refused(String reason) {
            super(reason);
        }
    }

    /** Your own record of it, never what the payer's phone sent. */
    public record Payment(
            String transactionId, String type, long amountMinor, String currency,
            String payeeId, String payeeName, String userId, String client) {

        /** The binding, version 1: docs/binding.md. */
        public String digest() throws GeneralSecurityException {
            // RFC 8785 of these members: in the order of their names, with nothing but `"` and `\` to escape.
            String canonical = "{\"amount_minor\":" + amountMinor + ",\"client\":" + quoted(client)
                    + ",\"currency\":" + quoted(currency) + ",\"payee\":{\"id\":" + quoted(payeeId)
                    + ",\"name\":" + quoted(Normalizer.normalize(payeeName, Normalizer.Form.NFC))
                    + "},\"transaction_id\":" + quoted(transactionId) + ",\"type\":" + quoted(type)
                    + ",\"user_id\":" + quoted(userId) + "}";
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            sha256.update("authsvc-payment-binding-v1\0".getBytes(UTF_8));
            return "sha256:" + HexFormat.of().formatHex(sha256.digest(canonical.getBytes(UTF_8)));
        }

        private static String quoted(String text) {
            return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
        }
    }

    /** The claims, if the receipt is good at `now` (seconds since 1970) for this payment; throws Refused. */
    public static Map<String, Object> receipt(
            String receipt, Map<String, Object> jwks, String audience, String issuer, Payment payment,
            long now, Set<String> toleratedWarnings) throws Refused, GeneralSecurityException {
        String[] parts = receipt.split("\\.", -1);
        if (receipt.length() > 8192 || parts.length != 3) throw new Refused("malformed");
        // 1. It is a receipt, and not another token of the same service.
        Map<String, Object> header = object(parts[0]);
        if (!"stepup-receipt+jwt".equals(header.get("typ")) || !"ES256".equals(header.get("alg"))
                || header.containsKey("crit")) throw new Refused("malformed");
        // 2. The service signed it, for us.
        Signature signature = Signature.getInstance("SHA256withECDSAinP1363Format");
        signature.initVerify(key(jwks, header.get("kid")));
        signature.update((parts[0] + "." + parts[1]).getBytes(UTF_8));
        byte[] shown = bytes(parts[2]);
        if (shown.length != 64 || !signature.verify(shown)) throw new Refused("signature");
        Map<String, Object> claims = object(parts[1]);
        if (!issuer.equals(claims.get("iss"))) throw new Refused("issuer");
        if (!audience.equals(claims.get("aud"))) throw new Refused("audience");
        // 3. It is good now.
        if (!(claims.get("iat") instanceof Long iat) || !(claims.get("exp") instanceof Long exp))
            throw new Refused("malformed");
        if (now >= exp) throw new Refused("expired");
        if (iat - now > 60) throw new Refused("not-yet");
        if (exp - iat > 300) throw new Refused("too-long");
        // 4. It is for this payment and this payer.
        if (!Map.of("v", 1L, "digest", payment.digest()).equals(claims.get("binding"))) throw new Refused("other-payment");
        if (!payment.userId().equals(claims.get("sub")) || !payment.client().equals(audience))
            throw new Refused("other-payer");
        // 5. It lets the payment go, and no frightening setting stands behind it.
        if (!List.of("approved", "exempted", "authenticated").contains(claims.get("status")))
            throw new Refused("not-released");
        for (Object warning : (List<?>) claims.getOrDefault("warnings", List.of()))
            if (!toleratedWarnings.contains(warning)) throw new Refused("warnings");
        return claims;
    }

    /** `headers` by lower-case name, `body` the raw bytes as they came; throws Refused unless it is from the service. */
    public static void webhook(Map<String, Object> headers, byte[] body, String secret, long now)
            throws Refused, GeneralSecurityException {
        String id = (String) headers.getOrDefault("webhook-id", "");
        String timestamp = (String) headers.getOrDefault("webhook-timestamp", "");
        String signatures = (String) headers.getOrDefault("webhook-signature", "");
        if (id.isEmpty() || signatures.isEmpty() || !timestamp.matches("[0-9]{1,11}")) throw new Refused("incomplete");
        if (Math.abs(now - Long.parseLong(timestamp)) > 300) throw new Refused("stale");
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(Base64.getDecoder().decode(secret.replaceFirst("^whsec_", "")), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
        byte[] expected = mac.doFinal(body);
        for (String each : signatures.split(" "))
            if (each.startsWith("v1,") && MessageDigest.isEqual(expected, lenient(each.substring(3)))) return;
        throw new Refused("signature");
    }

    private static PublicKey key(Map<String, Object> jwks, Object kid) throws Refused, GeneralSecurityException {
        for (Object each : (List<?>) jwks.get("keys")) {
            Map<?, ?> key = (Map<?, ?>) each;
            if (!key.get("kid").equals(kid) || !"EC".equals(key.get("kty")) || !"P-256".equals(key.get("crv"))) continue;
            AlgorithmParameters curve = AlgorithmParameters.getInstance("EC");
            curve.init(new ECGenParameterSpec("secp256r1"));
            ECPoint point = new ECPoint(number((String) key.get("x")), number((String) key.get("y")));
            ECParameterSpec parameters = curve.getParameterSpec(ECParameterSpec.class);
            return KeyFactory.getInstance("EC").generatePublic(new ECPublicKeySpec(point, parameters));
        }
        throw new Refused("unknown-key");
    }

    private static BigInteger number(String base64url) throws Refused {
        return new BigInteger(1, bytes(base64url));
    }

    private static byte[] bytes(String base64url) throws Refused {
        try {
            return Base64.getUrlDecoder().decode(base64url);
        } catch (IllegalArgumentException notBase64) {
            throw new Refused("malformed");
        }
    }

    private static byte[] lenient(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException notBase64) {
            return new byte[0];
        }
    }

    private static Map<String, Object> object(String part) throws Refused {
        try {
            return Json.object(new String(bytes(part), UTF_8));
        } catch (RuntimeException noObject) {
            throw new Refused("malformed");
        }
    }

    // -- The published vectors ------------------------------------------------------------------------------------

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> file = Json.object(Files.readString(Path.of(arguments[1])));
        for (Object each : (List<?>) file.get(arguments[0].equals("bindings") ? "accepted" : "cases")) {
            Map<String, Object> given = Json.map(each);
            String came = "ok";
            try {
                switch (arguments[0]) {
                    case "bindings" -> came = payment(given).digest();
                    case "receipts" -> receipt(
                            (String) given.get("receipt"), Json.map(file.get("jwks")), (String) given.get("audience"),
                            (String) given.get("issuer"), payment(given), (Long) given.get("now"),
                            Set.of(((List<?>) given.get("tolerated_warnings")).toArray(String[]::new)));
                    case "webhooks" -> webhook(
                            Json.map(given.get("headers")), ((String) given.get("body")).getBytes(UTF_8),
                            (String) given.get("secret"), (Long) given.get("now"));
                    default -> throw new IllegalArgumentException(arguments[0]);
                }
            } catch (Refused refused) {
                came = refused.getMessage();
            }
            System.out.write((given.get("name") + "\t" + came + "\n").getBytes(UTF_8));
        }
        System.out.flush();
    }

    private static Payment payment(Map<String, Object> given) {
        Map<String, Object> said = Json.map(given.get("payment"));
        Map<String, Object> payee = Json.map(said.get("payee"));
        return new Payment(
                (String) said.get("transaction_id"), (String) said.get("type"), (Long) said.get("amount_minor"),
                (String) said.get("currency"), (String) payee.get("id"), (String) payee.get("name"),
                (String) said.get("user_id"), (String) said.get("client"));
    }

    /** As much JSON as this example reads: whole numbers alone. */
    static final class Json {
        private final String text;
        private int at;

        private Json(String text) {
            this.text = text;
        }

        static Map<String, Object> object(String text) {
            Json json = new Json(text);
            Map<String, Object> found = map(json.value());
            if (json.next() != '\0') throw new IllegalArgumentException("more than one value");
            return found;
        }

        @SuppressWarnings("unchecked")
        static Map<String, Object> map(Object value) {
            return (Map<String, Object>) value;
        }

        private Object value() {
            switch (next()) {
                case '{': return members();
                case '[': return elements();
                case '"': return string();
                case 't': return word("true", true);
                case 'f': return word("false", false);
                case 'n': return word("null", null);
                default:
                    int from = at;
                    while (at < text.length() && "-0123456789".indexOf(text.charAt(at)) >= 0) at++;
                    return Long.valueOf(text.substring(from, at));
            }
        }

        private Map<String, Object> members() {
            Map<String, Object> found = new LinkedHashMap<>();
            for (at++; next() != '}'; comma('}')) {
                String name = string();
                if (next() != ':') throw new IllegalArgumentException("no colon");
                at++;
                if (found.put(name, value()) != null) throw new IllegalArgumentException("a name twice");
            }
            at++;
            return found;
        }

        private List<Object> elements() {
            List<Object> found = new ArrayList<>();
            for (at++; next() != ']'; comma(']')) found.add(value());
            at++;
            return found;
        }

        private void comma(char end) {
            if (next() == ',') at++;
            else if (next() != end) throw new IllegalArgumentException("no comma");
        }

        private String string() {
            if (next() != '"') throw new IllegalArgumentException("no string");
            StringBuilder found = new StringBuilder();
            for (at++; text.charAt(at) != '"'; at++) found.append(text.charAt(at) == '\\' ? escaped() : text.charAt(at));
            at++;
            return found.toString();
        }

        private char escaped() {
            char escape = text.charAt(++at);
            if (escape == 'u') {
                at += 4;
                return (char) Integer.parseInt(text.substring(at - 3, at + 1), 16);
            }
            int known = "bfnrt\"\\/".indexOf(escape);
            return "\b\f\n\r\t\"\\/".charAt(known);
        }

        private Object word(String word, Object meaning) {
            if (!text.startsWith(word, at)) throw new IllegalArgumentException("no value");
            at += word.length();
            return meaning;
        }

        private char next() {
            while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) at++;
            return at < text.length() ? text.charAt(at) : '\0';
        }
    }
}
