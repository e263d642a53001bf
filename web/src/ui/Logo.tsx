/** Two who talk. */
export function Logo() {
  return (
    <svg className="logo" viewBox="8 6 50 52" aria-hidden>
      <path
        className="logo-one"
        d="M14 22a10 10 0 0 1 10-10h10a10 10 0 0 1 10 10v4a10 10 0 0 1-10 10h-7l-8 7v-8.2A10 10 0 0 1 14 26z"
      />
      <path
        className="logo-two"
        d="M30 40h4a14 14 0 0 0 13.6-10.6A9 9 0 0 1 52 37v3a9 9 0 0 1-3 6.7V54l-7-5h-5a9 9 0 0 1-7-9z"
      />
    </svg>
  );
}
