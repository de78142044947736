export const briefSubmitted = {
  subject: "New brief {{briefNumber}}: {{title}}",
  body: "{{author}} has submitted a brief for {{client}}. Please review it within one working day.",
} as const;
