/**
 * A text without secrets: without the passwords of the URLs in it, and without this password, plain
 * or as a URL writes it.
 */
export function redacted(text: string, password?: string): string {
  const forms = password ? [password, encodeURIComponent(password), encodeURI(password)] : [];
  const plain = forms.reduce((rest, form) => rest.replaceAll(form, "(password)"), text);
  return (
    plain
      .replaceAll(/(\w:\/\/[^\s:/@]*):\S*@/g, "$1:(password)@")
      // A token may stand where the user's name does.
      .replaceAll(/(https?:\/\/)[^\s/@]+@/g, "$1(password)@")
      .replaceAll(/([?&]password=)[^\s&]+/g, "$1(password)")
  );
}
