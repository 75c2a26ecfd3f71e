import static org.springframework.security.config.Customizer.withDefaults;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import org.apache.catalina.connector.Connector;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.SSLHostConfigCertificate.Type;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.server.authorization.authentication.OAuth2AuthorizationCodeRequestAuthenticationToken;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClient;
import org.springframework.security.oauth2.server.authorization.client.RegisteredClientRepository;
import org.springframework.security.oauth2.server.authorization.context.AuthorizationServerContextHolder;
import org.springframework.security.oauth2.server.authorization.settings.ClientSettings;
import org.springframework.security.oauth2.server.authorization.settings.TokenSettings;
import org.springframework.security.oauth2.server.authorization.web.authentication.PublicClientAuthenticationConverter;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AuthenticationConverter;
import org.springframework.security.web.authentication.LoginUrlAuthenticationEntryPoint;
import org.springframework.web.util.UriComponentsBuilder;

/**
 * An authorization server as Spring makes one, with what it leaves out unless it is asked for: the device flow, and a
 * second port that speaks TLS, where it asks for certificates and names itself in its answers.
 */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Server {
    public static void main(String[] arguments) {
        SpringApplication.run(Server.class, arguments);
    }

    /** Says what the properties cannot: by which certificate clients are known, and that tokens are bound to it. */
    @Autowired
    void knowCertificates(RegisteredClientRepository clients) {
        for (String name : new String[] {"cert", "self-signed", "fapi-mtls"}) {
            RegisteredClient client = clients.findByClientId(name);
            ClientSettings.Builder settings = ClientSettings.withSettings(client.getClientSettings().getSettings());
            TokenSettings.Builder tokens = TokenSettings.withSettings(client.getTokenSettings().getSettings());
            clients.save(RegisteredClient.from(client)
                .clientSettings(settings.x509CertificateSubjectDN("CN=" + name).build())
                .tokenSettings(tokens.x509CertificateBoundAccessTokens(true).build())
                .build());
        }
    }

    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> secure(
            @Value("${tests.tls.port}") int port, @Value("${tests.tls.directory}") String directory, SslBundles bundles) {
        SSLHostConfig tls = new SSLHostConfig();
        tls.setCertificateVerification("optional");
        tls.setTrustStore(bundles.getBundle("clients").getStores().getTrustStore());
        SSLHostConfigCertificate own = new SSLHostConfigCertificate(tls, Type.UNDEFINED);
        own.setCertificateFile(directory + "/server.pem");
        own.setCertificateKeyFile(directory + "/server.key");
        tls.addCertificate(own);
        Connector connector = new Connector(TomcatServletWebServerFactory.DEFAULT_PROTOCOL);
        connector.setProperty("address", "127.0.0.1");
        connector.setPort(port);
        connector.setScheme("https");
        connector.setSecure(true);
        connector.setProperty("SSLEnabled", "true");
        connector.addSslHostConfig(tls);
        return factory -> factory.addAdditionalConnectors(connector);
    }

    /** Looks at a certificate before a client with a proof key counts as a public one. */
    private static void publicOnesLast(List<AuthenticationConverter> converters) {
        converters.sort(Comparator.comparing(converter -> converter instanceof PublicClientAuthenticationConverter));
    }

    /** Answers as Spring does, and over TLS with the issuer, whom FAPI 2.0 demands and Spring does not name. */
    private static void answer(HttpServletRequest request, HttpServletResponse response, Authentication authentication)
            throws IOException {
        OAuth2AuthorizationCodeRequestAuthenticationToken granted =
            (OAuth2AuthorizationCodeRequestAuthenticationToken) authentication;
        UriComponentsBuilder address = UriComponentsBuilder.fromUriString(granted.getRedirectUri())
            .queryParam("code", granted.getAuthorizationCode().getTokenValue())
            .queryParam("state", "{state}");
        if (request.isSecure()) {
            address.queryParam("iss", AuthorizationServerContextHolder.getContext().getIssuer());
        }
        response.sendRedirect(address.encode().buildAndExpand(granted.getState()).toUriString());
    }

    @Bean
    @Order(1)
    SecurityFilterChain protocol(HttpSecurity http) throws Exception {
        return http
            .oauth2AuthorizationServer(server -> {
                http.securityMatcher(server.getEndpointsMatcher());
                server
                    .clientAuthentication(clients -> clients.authenticationConverters(Server::publicOnesLast))
                    .oidc(withDefaults())
                    .authorizationEndpoint(endpoint -> endpoint.authorizationResponseHandler(Server::answer))
                    .pushedAuthorizationRequestEndpoint(withDefaults())
                    .deviceAuthorizationEndpoint(withDefaults())
                    .deviceVerificationEndpoint(withDefaults());
            })
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .oauth2ResourceServer(server -> server.jwt(withDefaults()).dPoP(withDefaults()))
            .exceptionHandling(errors -> errors.authenticationEntryPoint(new LoginUrlAuthenticationEntryPoint("/login")))
            .build();
    }

    @Bean
    @Order(2)
    SecurityFilterChain pages(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
            .formLogin(withDefaults())
            .build();
    }
}
