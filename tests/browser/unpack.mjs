// Unpacks the headless Chromium into TMPDIR and prints where it is, and the flags that it needs, as JSON.
import chromium from "@sparticuz/chromium";

console.log(JSON.stringify({ path: await chromium.executablePath(), flags: chromium.args }));
