import { dashboardPath } from "../contracts/http.ts";

/** The dashboard's page. It holds no data: its script asks the API, as whoever has signed in. */
export const dashboardHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <title>SpokeStack Agents</title>
    <link rel="stylesheet" href="${dashboardPath}/dashboard.css" />
    <script src="${dashboardPath}/dashboard.js" defer></script>
  </head>
  <body>
    <header>
      <h1>SpokeStack Agents</h1>
      <p id="health" role="status">Checking health…</p>
    </header>
    <main>
      <p id="signed-in" hidden><span id="who"></span> <button id="sign-out" type="button">Sign out</button></p>
      <form id="access" autocomplete="off">
        <label id="token-label">
          Administrator's token <small>or an organization's access token</small>
          <input id="token" type="password" required spellcheck="false" autocomplete="off" />
        </label>
        <label>
          Organization <small>platform administrators only</small>
          <input id="organization" type="text" spellcheck="false" pattern="[A-Za-z0-9_\\-]{1,64}" />
        </label>
        <button type="submit">Show</button>
      </form>
      <p id="message" role="alert" hidden></p>
      <section id="results" aria-live="polite" hidden>
        <section aria-labelledby="review-title">
          <h2 id="review-title">Waiting for review</h2>
          <div id="REVIEW"></div>
        </section>
        <section aria-labelledby="running-title">
          <h2 id="running-title">Running</h2>
          <div id="PROCESSING"></div>
        </section>
        <section aria-labelledby="queued-title">
          <h2 id="queued-title">Queued</h2>
          <div id="QUEUED"></div>
        </section>
      </section>
    </main>
    <noscript><p>This page needs JavaScript.</p></noscript>
  </body>
</html>
`;
