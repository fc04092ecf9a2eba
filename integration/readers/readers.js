// Prints the sha256 of what node's zlib makes of a .tar.gz, at once and as a stream.
const { createHash } = require('crypto');
const { createReadStream, readFileSync } = require('fs');
const { createGunzip, gunzipSync } = require('zlib');

const path = process.argv[2];
console.log(createHash('sha256').update(gunzipSync(readFileSync(path))).digest('hex'));
const digest = createHash('sha256');
createReadStream(path).pipe(createGunzip()).on('data', (data) => digest.update(data)).on('end', () => console.log(digest.digest('hex')));
