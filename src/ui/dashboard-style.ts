export const dashboardStyle = `:root {
  --line: light-dark(#d8dde3, #343b45);
  --muted: light-dark(#5b6672, #9aa5b1);
  --accent: light-dark(#0b5cad, #6cb2ff);
  --good: light-dark(#19703e, #5fd08b);
  --bad: light-dark(#b3261e, #ff8a80);
  color-scheme: light dark;
  font: 15px/1.5 system-ui, sans-serif;
}
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1.5rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 2rem 0 0.5rem; }
#health { color: var(--muted); margin: 0; }
#health.good { color: var(--good); }
#health.bad, #message { color: var(--bad); }
form { display: flex; flex-wrap: wrap; align-items: end; gap: 1rem; margin: 1.5rem 0 1rem; }
label { display: grid; gap: 0.25rem; flex: 1 1 16rem; }
small { color: var(--muted); }
input, button { font: inherit; padding: 0.45rem 0.7rem; border: 1px solid var(--line); border-radius: 6px; }
button { background: var(--accent); border-color: var(--accent); color: light-dark(#fff, #0c1117); cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.5rem 0.75rem 0.5rem 0; text-align: left; vertical-align: top; }
th { color: var(--muted); font-weight: 600; }
td small { display: block; }
.number { font-variant-numeric: tabular-nums; }
.priority-CRITICAL { color: var(--bad); font-weight: 600; }
.empty { color: var(--muted); margin: 0; }
@media (max-width: 44rem) {
  thead { display: none; }
  tr { display: grid; border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
  td { border: 0; padding: 0.1rem 0; }
}
`;
