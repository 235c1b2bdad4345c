package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// token asks the service that a bearer challenge names for a token, as "Token Authentication" and "OAuth2" of the
// distribution project's specification say.
func (c *Client) token(ctx context.Context, registry *url.URL, asked challenge, w wish) (grant, error) {
	service, err := c.tokenService(registry, asked)
	if err != nil {
		return grant{}, err
	}
	resp, err := c.askForToken(ctx, service, asked.params["service"], w)
	if err != nil {
		return grant{}, fail(err, "token service %s: %v", service.Host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return grant{}, refusal(service.Host, readAnswer(resp), w.own)
	}
	return readToken(resp)
}

// wish is a token that a service is to give.
type wish struct {
	scopes  []string
	own     credentials
	offline bool // an identity token too
}

// tokenService is the realm of a challenge. Credentials go there: in the clear only where the user allowed it.
func (c *Client) tokenService(registry *url.URL, asked challenge) (*url.URL, error) {
	service, err := registry.Parse(asked.params["realm"])
	if err != nil || asked.params["realm"] == "" || service.Host == "" || service.Scheme != "https" && service.Scheme != "http" {
		return nil, fail(ErrProtocol, "%s names no token service", registry.Host)
	}
	if service.Scheme == "http" && !isInsecure(service.Host, c.options.Insecure) && !sameOrigin(service, registry) {
		return nil, fail(ErrProtocol, "%s names a token service without encryption, http on %s", registry.Host, service.Host)
	}
	service.User = nil
	return service, nil
}

// clientID is what token services know this client by.
const clientID = "imagefs"

// scopes are those to ask a token for: a registry that asks for one knows better how it is spelled, but may ask for less
// than a push takes.
func scopes(asked, own string) []string {
	all := strings.Fields(own)
	if asked == "" || len(all) == 0 {
		return all
	}
	if strings.HasSuffix(all[0], ":pull,push") && strings.HasSuffix(asked, ":pull") {
		asked += ",push"
	}
	all[0] = asked
	return all
}

func (c *Client) askForToken(ctx context.Context, u *url.URL, service string, w wish) (*http.Response, error) {
	query := u.Query()
	if service != "" {
		query.Set("service", service)
	}
	for _, scope := range w.scopes {
		query.Add("scope", scope)
	}
	if w.own.identityToken != "" {
		return c.refresh(ctx, u, query, w.own)
	}
	if w.offline {
		query.Set("offline_token", "true")
		query.Set("client_id", clientID)
	}
	authorization := ""
	if w.own.user != "" {
		query.Set("account", w.own.user)
		authorization = basic(w.own)
	}
	u.RawQuery = query.Encode()
	return c.send(ctx, u, request{}, authorization)
}

// refresh trades an identity token for a bearer's. A POST follows no redirect.
func (c *Client) refresh(ctx context.Context, u *url.URL, form url.Values, own credentials) (*http.Response, error) {
	form.Set("grant_type", "refresh_token")
	form.Set("refresh_token", own.identityToken)
	form.Set("client_id", clientID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.roundTrip(req, 0)
}

// refusedToken is the refusal of a token service.
type refusedToken struct {
	text  string
	words string // the service's own; "" for none
}

func (e *refusedToken) Error() string { return e.text }
func (e *refusedToken) Unwrap() error { return ErrUnauthorized }

// refusal tells wrong credentials from missing ones, and both from a service that is only busy.
func refusal(host string, a *answer, own credentials) error {
	switch {
	case a.busy():
		return fail(a, "token service %s: %v", host, a)
	case own.empty():
		return &refusedToken{"authentication required by " + host, a.words}
	}
	return &refusedToken{host + " refuses the credentials there are" + because(a.words), a.words}
}

func readToken(resp *http.Response) (grant, error) {
	defer drain(resp.Body)
	var doc struct {
		Token        string `json:"token"`
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&doc)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax), errors.As(err, &kind):
		return grant{}, fail(ErrProtocol, "token service %s: not JSON", resp.Request.URL.Host)
	case err != nil:
		return grant{}, err
	case doc.Token == "" && doc.AccessToken == "":
		return grant{}, fail(ErrProtocol, "token service %s: no token in its answer", resp.Request.URL.Host)
	}
	return grant{"Bearer " + cmp.Or(doc.Token, doc.AccessToken), doc.RefreshToken}, nil
}
