export const docsStyle = `:root {
  --line: light-dark(#d8dde3, #343b45);
  --muted: light-dark(#5b6672, #9aa5b1);
  --accent: light-dark(#0b5cad, #6cb2ff);
  color-scheme: light dark;
  font: 15px/1.5 system-ui, sans-serif;
}
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; }
h1 { margin: 0; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; padding-bottom: 0.25rem; }
h4 { margin: 1rem 0 0.25rem; }
a { color: var(--accent); }
small, em { color: var(--muted); }
code { font: 0.92em ui-monospace, monospace; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0.5rem 0.75rem; }
details:target, article:target, tr:target { background: light-dark(#eef5fd, #17222f); border-color: var(--accent); }
summary { cursor: pointer; }
summary b { color: var(--accent); display: inline-block; font: 0.85em ui-monospace, monospace; min-width: 4rem; }
.type { color: var(--accent); font: 0.92em ui-monospace, monospace; overflow-wrap: anywhere; }
ul.fields { border-left: 2px solid var(--line); list-style: none; margin: 0.25rem 0; padding-left: 1rem; }
ul.fields p { color: var(--muted); margin: 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.4rem 0.6rem; text-align: left; vertical-align: top; }
`;
