// WAV, one channel of 16 bits: 44 bytes in front of the samples.

export function wavOf(samples, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  writeHeader(bytes, samples.length, rate);
  for (let at = 0; at < samples.length; at += 1) {
    const sample = Math.max(-1, Math.min(1, samples[at]));
    bytes.setInt16(44 + 2 * at, Math.round(sample * 32767), true);
  }
  return new Blob([bytes], { type: "audio/wav" });
}

function writeHeader(bytes, count, rate) {
  write(bytes, 0, "RIFF");
  bytes.setUint32(4, 36 + 2 * count, true);
  write(bytes, 8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true); // PCM
  bytes.setUint16(22, 1, true); // one channel
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  write(bytes, 36, "data");
  bytes.setUint32(40, 2 * count, true);
}

function write(bytes, at, word) {
  for (let index = 0; index < word.length; index += 1) bytes.setUint8(at + index, word.charCodeAt(index));
}
